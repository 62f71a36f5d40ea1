() => {
  // Gradio opens no second stream of events while it reads one. When the server has just ended that one, and
  // its end is still to be read, what becomes of a new event would never arrive: a click without effect. So
  // Gradio hears that an event was taken only once the open stream has told of it, or has ended.
  class Stream extends EventTarget {
    #told = new Set();
    #open = true;

    async read(body) {
      const texts = body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (let part = await texts.read(); !part.done; part = await texts.read()) {
        text = text.slice(-100) + part.value; // an id may come in two parts
        for (const [, id] of text.matchAll(/"event_id":"(\w+)"/g)) this.#told.add(id);
        this.dispatchEvent(new Event('news'));
      }
    }

    end() {
      setTimeout(() => { // by then Gradio has read the end, too
        this.#open = false;
        this.dispatchEvent(new Event('news'));
      });
    }

    async tellsOf(id) {
      while (this.#open && !this.#told.has(id)) {
        await new Promise((go) => this.addEventListener('news', go, { once: true }));
      }
    }
  }
  let stream = null;

  const ask = window.fetch;
  const fetched = async (...asked) => {
    const answer = await ask(...asked);
    // A session that is over leads to the log-in, whatever was asked for.
    if (answer.status === 401) location.assign('/login');
    return answer;
  };
  const followed = async (...asked) => {
    const opened = stream = new Stream();
    const answer = await fetched(...asked).catch((error) => {
      opened.end();
      throw error;
    });
    const [shown, copy] = answer.body.tee();
    opened.read(copy).catch(() => {}).finally(() => opened.end()); // Gradio hears of an error itself
    return new Response(shown, answer);
  };
  const joined = async (...asked) => {
    const answer = await fetched(...asked);
    if (answer.ok) await stream?.tellsOf((await answer.clone().json()).event_id);
    return answer;
  };
  window.fetch = (...asked) => {
    const { pathname } = new URL(asked[0].url ?? asked[0], location);
    if (pathname.endsWith('/queue/data')) return followed(...asked);
    return pathname.endsWith('/queue/join') ? joined(...asked) : fetched(...asked);
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
