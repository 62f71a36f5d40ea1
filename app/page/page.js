() => {
  // A session that is over leads to the log-in, whatever was asked for.
  const ask = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await ask(...asked);
    if (answer.status === 401) location.assign('/login');
    return answer;
  };
  // Light or dark: what was chosen here before, else what the system prefers (Gradio's own default).
  const kept = localStorage.getItem('domainqa-theme');
  if (kept) document.body.classList.toggle('dark', kept === 'dark');
  document.addEventListener('click', (click) => {
    if (!click.target.closest('[data-theme]')) return;
    const dark = document.body.classList.toggle('dark');
    localStorage.setItem('domainqa-theme', dark ? 'dark' : 'light');
  });
}
