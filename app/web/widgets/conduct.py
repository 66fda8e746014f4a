"""What the browser does by itself: reads an answer from its beginning, keeps the cursor in the message box, recalls the
last message with arrow-up, closes the side bar of a phone after a choice, copies an answer.

Streamlit scrolls a page with a pinned message box to its end whenever it grows. The box of the chat therefore stands in
a container that CSS keeps in sight (style.py), and this says where to look: at the question, once for each.
"""

import streamlit as st

_CONDUCT = r"""
const MAIN = '[data-testid="stMain"]', BOX = '[data-testid="stChatInputTextArea"]';
const CHOICES = '[class*="st-key-open-"] button, .st-key-new-conversation button, [data-testid="stPageLink"] a';
const HELD = 2500;  // ms that the question is held in its place while the page around it is drawn

function box() { return document.querySelector(BOX); }

function closeSideBar(event) {
  const bar = event.target.closest?.('[data-testid="stSidebar"]');
  if (!bar || window.innerWidth > 768 || !event.target.closest(CHOICES)) return;
  setTimeout(() => bar.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click(), 120);
}

function recall(event) {
  const field = box(), last = window.chatrec.last;
  if (event.key !== 'ArrowUp' || event.target !== field || field.value || !last) return;
  event.preventDefault();
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(field, last);
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

function takeFocus() {
  const at = document.activeElement;
  const busy = at && at !== document.body && at.matches('input, textarea, select, [contenteditable]');
  if (busy || !matchMedia('(pointer: fine)').matches || document.querySelector('[role="dialog"]')) return;
  box()?.focus({ preventScroll: true });
}

function look(question) {
  const state = window.chatrec, began = performance.now();
  let free = false;  // the person scrolls: the page is theirs
  const letGo = (event) => { if (event.type !== 'keydown' || event.target !== box()) free = true; };
  const signs = ['wheel', 'touchmove', 'pointerdown', 'keydown'];
  signs.forEach((s) => document.addEventListener(s, letGo, { passive: true, capture: true }));
  const step = () => {
    const main = document.querySelector(MAIN);
    const asked = document.querySelector(`.st-key-asked-${question}`)?.closest('[data-testid="stChatMessage"]');
    if (free || state.question !== question || performance.now() - began > HELD) {
      signs.forEach((s) => document.removeEventListener(s, letGo, { capture: true }));
      return;
    }
    if (main && asked) {
      const alone = asked.closest('.st-key-only');
      const room = parseFloat(getComputedStyle(asked).scrollMarginTop) || 0;
      const off = asked.getBoundingClientRect().top - main.getBoundingClientRect().top - room;
      if (alone) main.scrollTop = 0;
      else if (Math.abs(off) > 2) main.scrollTop += off;
    }
    requestAnimationFrame(step);
  };
  step();
}

export default function ({ data }) {
  const state = (window.chatrec ??= {});
  if (!state.listening) {
    state.listening = true;
    document.addEventListener('click', closeSideBar);
    document.addEventListener('keydown', recall, true);
  }
  state.last = data.last;
  if (data.moment !== state.moment) setTimeout(takeFocus, 200);
  state.moment = data.moment;
  if (data.question && data.question !== state.question) { state.question = data.question; look(data.question); }
  state.question = data.question;
}
"""

_COPY_STYLE = """
button { all: unset; box-sizing: border-box; cursor: pointer; display: inline-flex; align-items: center; gap: 0.4rem;
  padding: 0.25rem 0.4rem; border-radius: 0.5rem; font: 400 0.875rem var(--st-font, sans-serif);
  color: var(--st-text-color, inherit); opacity: 0.75; white-space: nowrap; }
button:hover, button:focus-visible { opacity: 1; color: var(--st-primary-color, inherit); }
button:focus-visible { outline: 2px solid var(--st-primary-color, currentColor); }
svg { width: 1rem; height: 1rem; }
"""
_COPY_BUTTON = """
<button type="button" aria-label="Copy this answer">
<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">
<rect x="9" y="9" width="12" height="12" rx="2"/><path d="M5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1"/>
</svg><span>Copy</span></button>
"""
_COPY = r"""
function byHand(text) {  // where the page has no right to the clipboard (plain http from another machine)
  const field = Object.assign(document.createElement('textarea'), { value: text });
  field.style.position = 'fixed'; field.style.opacity = '0';
  document.body.append(field); field.select(); document.execCommand('copy'); field.remove();
}
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector('button'), said = parentElement.querySelector('span');
  button.onclick = async () => {
    try { await navigator.clipboard.writeText(data); } catch { byHand(data); }
    said.textContent = 'Copied';
    setTimeout(() => { said.textContent = 'Copy'; }, 1500);
  };
}
"""

_conduct = st.components.v2.component("chatrec_conduct", js=_CONDUCT, isolate_styles=False)
_copy = st.components.v2.component("chatrec_copy", html=_COPY_BUTTON, css=_COPY_STYLE, js=_COPY)


def conduct(question: str = "", last: str = "", moment: str = "") -> None:
    """question: id of the message to look at, each once; last: what arrow-up recalls; moment: whenever it changes the
    message box gets the cursor."""
    _conduct(key="conduct", data={"question": question, "last": last, "moment": moment}, height="content")


def copy_button(text: str, key: str) -> None:
    """Puts a text into the clipboard, without a word to the server."""
    _copy(key=f"copy-{key}", data=text, width="content", height="content")
