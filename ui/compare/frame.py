"""A native container made to look as the components' cards do."""

from ui.theme import is_dark


def card_style(key: str) -> str:
    """A style sheet for bordered containers whose key begins with `key`."""
    card, line = ("#181c22", "#2a3038") if is_dark() else ("#ffffff", "#e6e6e1")
    return f"""<style>
[class*="st-key-{key}"] {{
  background: {card}; border: 1px solid {line}; border-radius: 12px; padding: 16px; gap: 12px;
  box-shadow: 0 1px 2px rgb(0 0 0 / 3%);
}}
[class*="st-key-{key}"] [data-testid="stMarkdownContainer"] p {{ font-size: 14px; line-height: 26px; }}
@media (max-width: 860px) {{ [class*="st-key-{key}"] {{ padding: 12px; }} }}
</style>"""
