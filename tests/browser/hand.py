"""A reader's hand on one player."""

from playwright.sync_api import Page, expect

CHAPTER = "chapters/07_the_race.html"
BUG = "2222221111"  # without the check, the shortest way to the removed struct page


class Hand:
    """Presses buttons and keys, and reads what the player then shows."""

    def __init__(self, page: Page, nth: int = 0) -> None:
        self.page = page
        self.player = page.locator(".gup").nth(nth)
        expect(self.player).to_be_visible()

    def press(self, does: str) -> None:
        self.player.locator(f'[data-do="{does}"]').click()

    def take(self, schedule: str) -> None:
        for digit in schedule:
            self.press(f"step {digit}")

    def restart(self) -> None:
        self.player.focus()
        self.page.keyboard.press("Home")

    def choose(self, design: str) -> None:
        self.player.get_by_role("radio", name=design).check()

    def ask(self) -> None:
        """Open the checker's verdicts; they stay open."""
        if not self.player.locator("details[open]").count():
            self.player.locator("summary").click()

    def show(self, rule: str) -> None:
        self.ask()
        self.player.get_by_role("button", name=f"Show me: {rule}").click()

    def text(self, selector: str) -> str:
        return " ".join(self.player.locator(selector).all_inner_texts())

    @property
    def schedule(self) -> str:
        return self.text(".gup-schedule")

    @property
    def heard(self) -> str:
        return self.player.get_by_role("status").text_content() or ""
