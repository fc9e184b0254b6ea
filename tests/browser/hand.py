"""A reader's hand on one player."""

from typing import Any

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

    def open(self, panel: str) -> None:
        """Open a panel; it stays open."""
        if self.player.locator(f'[data-do="open {panel}"][aria-expanded="false"]').count():
            self.press(f"open {panel}")

    def answer_here(self) -> None:
        """Answer the question that is asked here, if one is."""
        if self.player.locator(".gup-answer").count():
            self.player.locator(".gup-answer").first.click()

    def answer_all(self) -> None:
        """Answer every question as far as this page goes, so that no lane keeps a secret."""
        self.page.evaluate(
            """() => {
              const data = [...document.querySelectorAll(".gup-player > script")];
              const prompts = data.flatMap((script) => JSON.parse(script.textContent).prompts);
              const answers = Object.fromEntries(prompts.map(({ key, right }) => [key, right]));
              localStorage.setItem("gup-answers", JSON.stringify(answers));
            }"""
        )
        self.page.reload()

    def in_every_state(self, look: str, most: int) -> list[Any]:
        """Go to the first `most` states, by a shortest way, and `look` at the player in each."""
        seen = self.player.evaluate(
            """(player, most) => Array.from({ length: most }, (_, state) => {
              const button = document.createElement("button");
              button.dataset.do = `state ${state}`;
              player.append(button); // each time: the player takes away what is not its own
              button.click();
              return [player.querySelector(".gup-schedule")?.textContent, look(player)];
            })""".replace("look(player)", f"({look})(player)"),
            most,
        )
        assert len({schedule for schedule, _ in seen}) == most, "it went to another state each time"
        return [looked for _, looked in seen]

    def show(self, rule: str) -> None:
        self.open("verdict")
        self.player.get_by_role("button", name=f"Show me: {rule}").click()

    def text(self, selector: str) -> str:
        return " ".join(self.player.locator(selector).all_inner_texts())

    @property
    def schedule(self) -> str:
        return self.text(".gup-schedule")

    @property
    def heard(self) -> str:
        return self.player.get_by_role("status").text_content() or ""
