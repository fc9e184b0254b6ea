"""A reader's hand on one player."""

from typing import Any

from playwright.sync_api import Page, expect

CHAPTER = "chapters/07_the_race.html"
BUG = "2222221111"  # without the check, the shortest way to the removed struct page


class Hand:
    """Presses buttons and keys, and reads what the player then shows."""

    def __init__(self, page: Page, nth: int = 0) -> None:
        self.page = page
        self.player = page.locator(".gup:not(.gup-by-hand, .gup-voting)").nth(nth)
        self.unfold()
        expect(self.player).to_be_visible()

    def unfold(self) -> None:
        """Open every fold of the page that the player lies in, such as an exercise's answer."""
        self.player.evaluate(
            """(player) => {
              let fold = player;
              while ((fold = fold.parentElement.closest("details"))) fold.open = true;
            }"""
        )

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
        self.unfold()

    def in_every_state(self, look: str, most: int, every: int = 1) -> list[Any]:
        """Go to the first `most` states, by a shortest way, and `look` at the player in each.

        every  look at each first of so many
        """
        seen = self.player.evaluate(
            """(player, [most, every]) => Array.from({ length: most / every }, (_, n) => {
              const state = n * every;
              const button = document.createElement("button");
              button.dataset.do = `state ${state}`;
              player.append(button); // each time: the player takes away what is not its own
              button.click();
              return [player.querySelector(".gup-schedule")?.textContent, look(player)];
            })""".replace("look(player)", f"({look})(player)"),
            [most - most % every, every],
        )
        assert len({schedule for schedule, _ in seen}) == len(seen), (
            "it went to another state each time"
        )
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
