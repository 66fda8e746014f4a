"""The little CSS that themes cannot say. Colours come from the theme, so light and dark both hold."""

CSS = """<style>
/* Room for the text, also at 390 px. */
[data-testid="stMainBlockContainer"] { padding-top: 3.5rem; padding-bottom: 1rem; max-width: 46rem; }
[data-testid="stMainBlockContainer"]:has(.st-key-leaderboard) { max-width: 68rem; }
.st-key-leaderboard-card { gap: 0.4rem; }
.st-key-leaderboard-card code { font-size: 0.8rem; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; }
  [data-testid="stChatMessage"] { gap: 0.4rem; }
}
/* What the person said stands out by a shade of the text's own colour, in either theme. */
[data-testid="stChatMessage"]:has([class*="st-key-asked-"]) {
  background: color-mix(in srgb, currentColor 5%, transparent);
}
/* Cards: quiet, close together. */
[class*="st-key-card-"] { padding: 0.8rem 1rem 0.7rem; gap: 0.4rem; }
[class*="st-key-card-"] [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
[class*="st-key-card-"] p { margin-bottom: 0.15rem; }
[class*="st-key-card-"] ul { margin: 0; padding-left: 1.1rem; }
[class*="st-key-card-"] li { margin: 0.1rem 0; font-size: 0.92rem; }
[class*="st-key-card-"] [data-testid="stButtonGroup"] button { padding: 0.1rem 0.6rem; min-height: 1.9rem; }
[class*="st-key-card-"] [data-testid="stButtonGroup"] button p { font-size: 0.85rem; }
[class*="st-key-card-"] .stButton button p { font-size: 0.85rem; }
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
