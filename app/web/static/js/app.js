// Small help on top of pages that work without it. No inline code, no HTML from strings: the policy forbids both.
(() => {
  'use strict';
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, handler, options) => document.addEventListener(type, handler, options);

  // Every htmx request carries the token of the page, so that a fragment without a form is still protected.
  on('htmx:config:request', (event) => {
    event.detail.ctx.request.headers['X-CSRF-Token'] = find('meta[name=csrf-token]')?.content ?? '';
  });

  // --- theme -------------------------------------------------------------------------------------------------
  on('click', (event) => {
    const button = event.target.closest('[data-theme-toggle]');
    if (!button) return;
    event.preventDefault();
    const root = document.documentElement;
    const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    const next = (root.dataset.theme || system) === 'dark' ? 'light' : 'dark';
    root.dataset.theme = next;
    const secure = location.protocol === 'https:' ? ';secure' : '';
    document.cookie = `theme=${next};path=/;max-age=31536000;samesite=lax${secure}`;
    all('[data-theme-toggle]').forEach((one) => { one.value = next === 'dark' ? 'light' : 'dark'; });
  });

  // --- toasts ------------------------------------------------------------------------------------------------
  const show = (toast) => {
    find('[data-dismiss]', toast)?.removeAttribute('hidden');
    const leave = () => setTimeout(() => { if (!toast.matches(':hover, :focus-within')) toast.remove(); else leave(); }, 10000);
    leave();
  };
  const say = (text) => {
    const place = document.getElementById('toasts');
    if (!place) return;
    const toast = document.createElement('div');
    toast.className = 'toast';
    const words = document.createElement('span');
    words.textContent = text;
    toast.append(words);
    place.append(toast);
    show(toast);
  };
  on('click', (event) => event.target.closest('[data-dismiss]')?.closest('.toast')?.remove());
  const reasons = {
    403: 'Your role does not include this. Ask an administrator.',
    404: 'This is no longer here. Load the page again.',
    429: 'Too many requests at once. Try again in a moment.',
  };
  // The page stays as it is behind the question, so that what was written can still be read and copied.
  const askToSignIn = () => {
    if (document.getElementById('signed-out')) return;
    const make = (tag, text, className = '') => Object.assign(document.createElement(tag), { textContent: text, className });
    const dialog = make('dialog', '');
    dialog.id = 'signed-out';
    const title = make('h2', 'You were signed out');
    title.id = 'signed-out-title';
    dialog.setAttribute('aria-labelledby', title.id);
    const link = make('a', 'Sign in', 'b main');
    link.href = `/signin?next=${encodeURIComponent(location.pathname + location.search)}`;
    const stay = make('button', 'Stay on this page', 'b');
    stay.type = 'button';
    stay.addEventListener('click', () => dialog.close());
    dialog.addEventListener('close', () => dialog.remove());
    const acts = make('div', '', 'acts');
    acts.append(stay, link);
    dialog.append(title, make('p', 'Your page is unchanged. Nothing was saved by the last step.', 'soft'), acts);
    document.body.append(dialog);
    dialog.showModal();
  };
  on('htmx:response:error', (event) => {
    const { status } = event.detail.ctx.response;
    if (status === 401) askToSignIn();
    else if (status !== 409 && status !== 412 && status !== 422) {
      say(reasons[status] ?? 'That did not work. Your page is unchanged; try again in a moment.');
    }
  });
  on('htmx:error', () => say('The connection broke. Your page is unchanged; try again.'));

  // --- rows and the bulk bar ---------------------------------------------------------------------------------
  const count = (form) => {
    const boxes = all('tbody .check input', form);
    const checked = boxes.filter((box) => box.checked).length;
    const words = find('[data-count]', form);
    if (words && checked) words.textContent = `${checked} selected`;
    const whole = find('[data-check-all]', form);
    if (whole) {
      whole.checked = checked > 0 && checked === boxes.length;
      whole.indeterminate = checked > 0 && checked < boxes.length;
    }
  };
  on('change', (event) => {
    const form = event.target.closest('.rows');
    if (!form || !event.target.closest('.check')) return;
    if (event.target.matches('[data-check-all]')) {
      all('tbody .check input', form).forEach((box) => { box.checked = event.target.checked; });
    }
    count(form);
  });

  // --- menus, dialogs, panel -----------------------------------------------------------------------------------
  on('click', (event) => {
    all('details.pick[open]').forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    const opener = event.target.closest('[data-dialog]');
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog instanceof HTMLDialogElement) {
      event.preventDefault();
      dialog.showModal();
    }
  });
  on('keydown', (event) => {
    if (event.key === 'Escape') {
      const menu = find('details.pick[open]');
      const editing = event.target.closest?.('[data-escape]');
      if (menu) {
        menu.open = false;
        find('summary', menu).focus();
      } else if (editing) {
        location.assign(editing.dataset.escape);
      } else if (!find('dialog[open]')) {
        find('[data-panel] [data-close]')?.click();
      }
      return;
    }
    const writing = event.target.matches?.('input, textarea, select, [contenteditable]');
    const palette = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k';
    const box = palette ? find('[data-jump]') : event.key === '/' && !writing ? find('[data-find]') ?? find('[data-jump]') : null;
    if (box) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  });

  // --- forms -------------------------------------------------------------------------------------------------
  on('submit', (event) => {
    const form = event.target;
    if (form.method !== 'post' || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'yes';
    // After this turn: a disabled or changed button would not be part of what is sent.
    setTimeout(() => event.submitter?.setAttribute('aria-busy', 'true'));
    // An answer that is a download, or none, leaves the page standing.
    setTimeout(release, 15000);
  });
  // A page from the back-forward cache, or an answer swapped into place, may be sent again.
  const release = () => {
    all('form[data-sent]').forEach((form) => { delete form.dataset.sent; });
    all('.b[aria-busy]').forEach((button) => button.removeAttribute('aria-busy'));
  };
  addEventListener('pageshow', release);
  on('htmx:finally:request', release);

  const slugOf = (name) => name.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').toLowerCase()
    .replace(/ß/g, 'ss').replace(/ø/g, 'o').replace(/æ/g, 'ae').replace(/&/g, ' and ')
    .replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40).replace(/-+$/, '');
  on('input', (event) => {
    if (event.target.matches('[data-slug]')) event.target.dataset.touched = event.isTrusted ? 'yes' : (event.target.dataset.touched ?? '');
    if (!event.target.matches('[data-slug-source]')) return;
    const slug = find('[data-slug]');
    if (!slug || slug.dataset.touched || (slug.defaultValue && slug.value === slug.defaultValue)) return;
    slug.value = slugOf(event.target.value);
    slug.dispatchEvent(new Event('input', { bubbles: true }));
  });

  on('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    say('Copied');
  });

  // --- what a fresh piece of page needs, once for each ----------------------------------------------------------
  const seen = new WeakSet();
  const fresh = (selector, handler) => all(selector).forEach((one) => {
    if (seen.has(one)) return;
    seen.add(one);
    handler(one);
  });
  const ready = () => {
    fresh('[data-check-all], [data-copy]', (one) => { one.hidden = false; });
    fresh('[data-toast]', show);
    fresh('dialog[data-modal][open]', (dialog) => { dialog.close(); dialog.showModal(); });
    fresh('[data-focus]', (one) => one.focus());
    // A moment to see every window lit before the door opens.
    fresh('[data-arrive]', (one) => setTimeout(() => location.assign(one.dataset.arrive), 900));
    fresh('.rows', count);
  };
  ready();

  // --- the panel beside a list: its row is marked, focus goes in and comes back --------------------------------
  let opener = null;
  on('click', (event) => { opener = event.target.closest('.name a') ?? opener; });
  let panel = find('[data-panel]');
  on('htmx:after:swap', () => {
    ready();
    const now = find('[data-panel]');
    if (now === panel) return;
    panel = now;
    all('tr.here').forEach((row) => row.classList.remove('here'));
    if (panel) opener?.closest('tr')?.classList.add('here');
    (panel ?? opener)?.focus();
  });
})();
