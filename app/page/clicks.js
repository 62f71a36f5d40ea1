// Clicks on elements with data-event become events of the component, with all data-* values.
const events = [
  'open', 'close', 'vote', 'correct', 'again', 'example', 'promote', 'rollback', 'remove', 'report',
  'run',
];

const copy = (text) => navigator.clipboard?.writeText(text);

element.addEventListener('click', (click) => {
  const target = click.target.closest('[data-event]');
  if (!target || !element.contains(target)) return;
  const data = { ...target.dataset };
  if (data.event === 'copy') copy(data.text);
  else if (events.includes(data.event)) trigger(data.event, data);
});
element.dataset.listens = ''; // from here on a click is heard

element.addEventListener('keydown', (key) => {
  if (key.key === 'Escape') element.querySelector('.dq-sheet [data-event=close]')?.click();
});

// Bring what was asked for into view: the marked sentence of a document, a new question, text as it comes,
// another retraining, a report.
let exchanges = 0;
let run = element.querySelector('.dq-run')?.dataset.id;

const toEnd = () => document.scrollingElement.scrollTo({ top: document.scrollingElement.scrollHeight });

const nearEnd = () => {
  const page = document.scrollingElement;
  return page.scrollHeight - page.scrollTop - page.clientHeight < 300;
};

const showMark = () => {
  const text = element.querySelector('.dq-document > .dq-page-text');
  const mark = element.querySelector('mark') ?? element.querySelector('.dq-passage');
  if (text && mark) {
    text.scrollTop += mark.getBoundingClientRect().top - text.getBoundingClientRect().top - text.clientHeight / 3;
  }
};

// The picture of a page takes its room when it has come; the answer that brought it says where the mark is.
element.addEventListener('load', async ({ target: picture }) => {
  const frame = picture.closest('.dq-page-picture');
  if (!frame) return;
  showMark();
  const markedAt = (await fetch(picture.src, { cache: 'force-cache' })).headers.get('Marked-At');
  frame.scrollTop = markedAt * picture.clientHeight - frame.clientHeight / 3;
}, true);

// Without its file a document has its text alone.
element.addEventListener('error', ({ target: picture }) => {
  const frame = picture.closest('.dq-page-picture');
  if (frame) frame.hidden = true;
}, true);

const show = () => {
  showMark();
  element.querySelector('.dq-sheet [data-event=close]')?.focus();
  const shown = element.querySelector('.dq-run');
  if (run && shown && run !== shown.dataset.id) shown.scrollIntoView({ block: 'nearest' });
  run = shown?.dataset.id ?? run;
  const before = exchanges;
  exchanges = element.querySelectorAll('.dq-exchange').length;
  if (exchanges > before || (exchanges && nearEnd() && element.querySelector('[aria-busy]'))) toEnd();
};

watch('value', () => requestAnimationFrame(show));
