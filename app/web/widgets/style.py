"""The little CSS that themes cannot say. Colours come from the theme, so light and dark both hold."""

import streamlit as st

_COLOURS = {
    "accent": "primaryColor",
    "page": "backgroundColor",
    "raised": "secondaryBackgroundColor",
    "ink": "textColor",
}


def css() -> str:
    """The style sheet with the colours of the theme that is shown."""
    theme = "dark" if st.context.theme.type == "dark" else "light"
    colours = "".join(f"--{name}: {st.get_option(f'theme.{theme}.{option}')}; " for name, option in _COLOURS.items())
    return f"<style>:root {{ {colours}--quiet: color-mix(in srgb, var(--ink) 65%, var(--page)); }}</style>{CSS}"


CSS = """<style>
/* Room for the text, also at 390 px. */
[data-testid="stMainBlockContainer"] { padding-top: 3.5rem; padding-bottom: 1rem; max-width: 46rem; }
[data-testid="stMainBlockContainer"]:has(.st-key-leaderboard) { max-width: 68rem; }
.st-key-leaderboard-card { gap: 0.4rem; }
.st-key-leaderboard-card code { font-size: 0.8rem; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; }
  [data-testid="stChatMessage"] { gap: 0.4rem; }
  /* Cards take the whole width. */
  [data-testid="stChatMessage"]:has([class*="st-key-card-"]) { padding-left: 0; padding-right: 0; }
  [data-testid="stChatMessage"]:has([class*="st-key-card-"]) > [data-testid^="stChatMessageAvatar"] { display: none; }
}
/* What the person said stands out by a shade of the text's own colour, in either theme. */
[data-testid="stChatMessage"]:has([class*="st-key-asked-"]) {
  background: color-mix(in srgb, currentColor 5%, transparent);
}
/* Cards: a cover, five lines, a row of icons; of one height whatever is known, so that nothing jumps. */
[class*="st-key-card-"] { position: relative; padding: 0.5rem 0.7rem 0.3rem 0.5rem; gap: 0.15rem; overflow: visible; }
[class*="st-key-details-"] {
  position: absolute; top: 0.3rem; left: calc(60px + 1.1rem); right: 0.7rem; width: auto; z-index: 1;
}
[class*="st-key-details-"] .stButton, [class*="st-key-details-"] button { width: 100%; }
[class*="st-key-details-"] button { min-height: 1.5rem; padding: 0; justify-content: flex-start; }
[class*="st-key-details-"] button > div { width: 100%; justify-content: flex-start; overflow: hidden; }
[class*="st-key-details-"] button p {
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis; font-size: 0.97rem;
}
[class*="st-key-details-"] button::before {
  content: ""; position: absolute; left: calc(-60px - 0.7rem); top: 0.1rem; width: 60px; height: 90px;
  cursor: pointer;
}
.item { display: flex; gap: 0.6rem; height: 6.45rem; font-size: 0.8rem; line-height: 1rem; }
.item .cover { flex: none; margin-top: 0.1rem; }
.cover { border-radius: 4px; object-fit: cover; box-shadow: 0 1px 3px rgb(0 0 0 / 25%); display: block; }
.item .told { flex: 1; min-width: 0; padding-top: 1.4rem; overflow: hidden; }
.item .told > div { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.item .told > .about {
  white-space: normal; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
}
.item .people, .item .facts, .item .reason { opacity: 0.68; }
.item .apart { font-weight: 600; color: var(--accent); }
[class*="st-key-card-"] [class*="st-key-row-"] { gap: 0.3rem; flex-wrap: nowrap; }
[class*="st-key-row-"] [data-testid="stButtonGroup"] > div { flex-wrap: nowrap; gap: 0.15rem; }
[class*="st-key-row-"] [data-testid="stButtonGroup"] button {
  position: relative; width: 2rem; min-width: 0; height: 1.75rem; min-height: 0; padding: 0;
  border-color: transparent;
}
[class*="st-key-row-"] [data-testid="stButtonGroup"] button span { gap: 0; }
[class*="st-key-row-"] [data-testid="stButtonGroup"] button [data-testid="stIconMaterial"] { font-size: 1.2rem; }
[class*="st-key-row-"] [data-testid="stButtonGroup"] button[aria-pressed="true"] [data-testid="stIconMaterial"] {
  font-variation-settings: "FILL" 1;
}
[class*="st-key-row-"] [data-testid="stButtonGroup"] button strong {
  position: absolute; bottom: calc(100% + 4px); left: 50%; transform: translateX(-50%);
    padding: 0.25rem 0.5rem; border-radius: 0.3rem; background: #22262a; color: #fff; font-size: 0.75rem;
    font-weight: 500; white-space: nowrap;
  opacity: 0; pointer-events: none; z-index: 3; }
[class*="st-key-row-"] [data-testid="stButtonGroup"] button:hover strong,
[class*="st-key-row-"] [data-testid="stButtonGroup"] button:focus-visible strong {
  opacity: 1;
}
[class*="st-key-card-"] [class*="st-key-row-"] .stButton button { min-height: 1.75rem; padding: 0 0.35rem; }
[class*="st-key-card-"] [class*="st-key-row-"] .stButton button p { font-size: 0.82rem; white-space: nowrap; }
@media (max-width: 640px) {
  /* Icons alone; their names stay for those who hear the page. */
  [class*="st-key-card-"] [class*="st-key-row-"] .stButton button p {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
}
/* The bar of what is to be compared stays in sight. */
[data-testid="stLayoutWrapper"]:has(> .st-key-compare-bar) { position: sticky; bottom: 8.8rem; z-index: 5; }
.st-key-compare-bar {
  padding: 0.5rem 0.9rem; border-radius: 0.6rem; background: var(--raised); border: 1px solid var(--accent);
  box-shadow: 0 2px 10px rgb(0 0 0 / 18%); flex-wrap: nowrap;
}
.st-key-compare-bar p {
  font-size: 0.88rem; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
  overflow: hidden;
}
.st-key-compare-bar button p { white-space: nowrap; }
/* All of one item. */
div:has(> [role="dialog"] .st-key-details) { max-width: min(54rem, 100%); }
div:has(> [role="dialog"] .st-key-comparison) { max-width: min(64rem, 100%); }
.st-key-details .head { display: flex; gap: 1.1rem; align-items: flex-start; }
.st-key-details .head .cover { flex: none; border-radius: 6px; }
.st-key-details .head .told { display: flex; flex-direction: column; gap: 0.5rem; font-size: 0.95rem; }
.st-key-details .head .about { font-size: 1.05rem; line-height: 1.45; }
.st-key-details .head .facts { opacity: 0.75; }
.st-key-details .head ul { margin: 0; padding-left: 1.1rem; font-size: 0.9rem; }
.st-key-details h4 { font-size: 0.95rem; padding: 0.4rem 0 0.3rem; margin: 0; }
.sheet { columns: 2; column-gap: 2rem; }
.sheet section { break-inside: avoid; padding-bottom: 0.4rem; }
.sheet dl, .st-key-comparison details dl {
  display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: 0.2rem 0.9rem; margin: 0;
  padding: 0; font-size: 0.88rem;
}
.sheet dt, .st-key-comparison dt { opacity: 0.65; }
.sheet dd, .st-key-comparison dd { margin: 0; overflow-wrap: anywhere; }
.histogram {
  display: flex; align-items: flex-end; gap: 0.25rem; max-width: 26rem; font-size: 0.72rem; line-height: 1.2;
}
.histogram > div { flex: 1; display: flex; flex-direction: column; align-items: center; justify-content: flex-end; }
.histogram b { width: 100%; border-radius: 3px 3px 0 0; background: var(--accent); opacity: 0.75; }
.histogram i { font-style: normal; opacity: 0.65; }
.links { display: flex; flex-wrap: wrap; gap: 0.4rem 1.2rem; font-size: 0.9rem; padding-top: 0.3rem; }
.links a { color: var(--accent); }
.st-key-similar { flex-wrap: nowrap; overflow-x: auto; }
.st-key-similar button { min-height: 0; padding: 0.25rem 0; }
.st-key-similar button p {
  font-size: 0.76rem; line-height: 1.2; text-align: left; display: -webkit-box; -webkit-box-orient: vertical;
  -webkit-line-clamp: 3; overflow: hidden;
}
/* Beside each other: the labels stay, the rest scrolls. */
.beside { overflow-x: auto; }
.beside table { border-collapse: collapse; font-size: 0.86rem; line-height: 1.3; }
.beside th, .beside td {
  text-align: left; vertical-align: top; padding: 0.4rem 0.7rem; border-top: 1px solid rgb(128 128 128 / 22%);
  min-width: 8.5rem; font-weight: 400;
}
.beside thead th, .beside thead td { border-top: none; }
.beside thead span { display: block; font-weight: 600; padding-top: 0.3rem; }
.beside tbody th, .beside thead td {
  position: sticky; left: 0; min-width: 6.2rem; max-width: 7rem; background: var(--page); color: var(--quiet);
}
.st-key-comparison summary { cursor: pointer; padding: 0.6rem 0; font-size: 0.9rem; }
@media (max-width: 640px) {
  .sheet { columns: 1; }
  .st-key-details .head { gap: 0.8rem; }
  .st-key-details .head .cover { width: 112px; height: 168px; }
  .st-key-details .head .about { font-size: 0.95rem; }
  .beside th, .beside td { min-width: 7.2rem; padding: 0.35rem 0.5rem; }
  .beside tbody th, .beside thead td { min-width: 4.8rem; max-width: 5.2rem; }
}
/* Earlier conversations: one line each, from the left. */
.st-key-conversations button { justify-content: flex-start; text-align: left; }
.st-key-conversations button > div { width: 100%; justify-content: flex-start; overflow: hidden; }
.st-key-conversations button p { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
/* The conversation is read from the top; the message box stays in sight below it (widgets/conduct.py). */
[data-testid="stMainBlockContainer"]:has(.st-key-composer) {
  min-height: 100dvh; padding-bottom: 0; display: flex; flex-direction: column;
}
[data-testid="stMainBlockContainer"]:has(.st-key-composer) > [data-testid="stVerticalBlock"] { flex: 1 0 auto; }
[data-testid="stLayoutWrapper"]:has(> .st-key-composer) {
  position: sticky; bottom: 0; z-index: 90; margin-top: auto; padding: 0.5rem 0 1.25rem;
  background: light-dark(#fbfaf8, #15181b);
}
.st-key-in-force { flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none; padding: 1px; }
.st-key-in-force > * { flex: none; }
.st-key-in-force button { min-height: 1.9rem; padding: 0.1rem 0.6rem; border-radius: 1rem; }
.st-key-in-force button p, .st-key-follow-ups button p { font-size: 0.875rem; white-space: nowrap; }
.st-key-follow-ups { padding-left: 3.5rem; }
.st-key-follow-ups button { min-height: 2.1rem; padding: 0.15rem 0.8rem; border-radius: 1.1rem; }
.st-key-latest { min-height: calc(100dvh - 13rem); }
[data-testid="stChatMessage"]:has([class*="st-key-asked-"]) { scroll-margin-top: 4rem; }
.st-key-head { padding-bottom: 0.25rem; }
.st-key-head h4 { padding: 0; }
@media (max-width: 640px) {
  .st-key-follow-ups { padding-left: 0; }
  .st-key-share button p { display: none; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-composer) { padding-bottom: 0.6rem; }
}
/* Side bar: the conversations scroll, what is below them stays near. */
.st-key-conversations { max-height: 46dvh; overflow-y: auto; }
.st-key-conversations [data-testid="stCaptionContainer"] { margin: 0.5rem 0 0.1rem 0.5rem; }
.st-key-conversations button { padding: 0.2rem 0.5rem; min-height: 2rem; }
.st-key-pages [data-testid="stPageLink"], .st-key-pages a { min-height: 2rem; margin: 0; }
.st-key-pages { border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); padding-top: 0.6rem; }
/* First page: the offers. */
.st-key-starters button > div { width: 100%; justify-content: flex-start; }
.st-key-starters button { justify-content: flex-start; text-align: left; padding: 0.7rem 1rem; height: 100%; }
</style>"""
