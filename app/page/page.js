() => {
  // Light or dark: what was chosen here before, else what the system prefers (Gradio's own default).
  const kept = localStorage.getItem('domainqa-theme');
  if (kept) document.body.classList.toggle('dark', kept === 'dark');
  document.addEventListener('click', (click) => {
    if (!click.target.closest('[data-theme]')) return;
    const dark = document.body.classList.toggle('dark');
    localStorage.setItem('domainqa-theme', dark ? 'dark' : 'light');
  });
}
