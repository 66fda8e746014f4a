"""The mark of the product: a speech bubble with a ranked list in it. Drawn here, so that no page asks another host."""

_BUBBLE = (
    '<path fill="#17877e" d="M14 4h36a10 10 0 0 1 10 10v26a10 10 0 0 1-10 10H32L18 61a2 2 0 0 1-3.4-1.4V50H14'
    'A10 10 0 0 1 4 40V14A10 10 0 0 1 14 4z"/>'
    '<g stroke="#fff" stroke-width="5.5" stroke-linecap="round">'
    '<path d="M17 17h30"/><path d="M17 27.5h21"/><path d="M17 38h12"/></g>'
)
MARK = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">{_BUBBLE}</svg>'
LOGO = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 262 64" width="262" height="64">{_BUBBLE}'
    '<text x="76" y="47" font-family="Source Sans 3,Source Sans Pro,Segoe UI,Helvetica,Arial,sans-serif" '
    'font-size="48" font-weight="650" textLength="180" lengthAdjust="spacingAndGlyphs" fill="#17877e">'
    "chatrec</text></svg>"
)
