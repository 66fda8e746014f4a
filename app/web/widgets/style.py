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
/* First page: the offers. */
.st-key-starters button { justify-content: flex-start; text-align: left; padding: 0.7rem 1rem; height: 100%; }
</style>"""
