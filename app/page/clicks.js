// Clicks on elements with data-event become events of the component, with all data-* values.
const events = ['open', 'close', 'vote', 'correct', 'again', 'example'];

const copy = (text) => navigator.clipboard?.writeText(text);

element.addEventListener('click', (click) => {
  const target = click.target.closest('[data-event]');
  if (!target || !element.contains(target)) return;
  const data = { ...target.dataset };
  if (data.event === 'copy') copy(data.text);
  else if (events.includes(data.event)) trigger(data.event, data);
});

// Bring what was asked for into view: the marked sentence of a document, a new question, text as it comes.
let exchanges = 0;

const toEnd = () => document.scrollingElement.scrollTo({ top: document.scrollingElement.scrollHeight });

const nearEnd = () => {
  const page = document.scrollingElement;
  return page.scrollHeight - page.scrollTop - page.clientHeight < 300;
};

const show = () => {
  const text = element.querySelector('.dq-document > .dq-page-text');
  const mark = element.querySelector('mark') ?? element.querySelector('.dq-passage');
  if (text && mark) {
    text.scrollTop += mark.getBoundingClientRect().top - text.getBoundingClientRect().top - text.clientHeight / 3;
  }
  const before = exchanges;
  exchanges = element.querySelectorAll('.dq-exchange').length;
  if (exchanges > before || (exchanges && nearEnd() && element.querySelector('[aria-busy]'))) toEnd();
};

watch('value', () => requestAnimationFrame(show));
