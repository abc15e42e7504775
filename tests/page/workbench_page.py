"""The page as whoever uses it finds it: by the roles and names of its parts."""

from playwright.async_api import Locator, Page, expect


class WorkbenchPage:
    """An open page of the workbench."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.text = page.get_by_role("textbox", name="What you say")
        self.articles = page.get_by_role("article")
        self.way = page.get_by_role("tabpanel", name="Way")
        self.stations = self.way.get_by_role("listitem")

    async def say(self, *texts: str) -> None:
        """Say each of these, as whoever was chosen, and wait until it stands there."""
        for text in texts:
            await self.send(text)
            await expect(self.message(text)).not_to_have_count(0)

    async def send(self, text: str) -> None:
        """Say something of which nobody knows how it will be shown."""
        await self.text.fill(text)
        await self.text.press("Enter")

    def message(self, text: str) -> Locator:
        """The messages in which this stands."""
        return self.articles.filter(has_text=text)

    async def open_tab(self, name: str) -> None:
        """Choose one of the tabs at the right."""
        await self.page.get_by_role("tab", name=name).click()

    async def throw(self, fault: str, *, at: str) -> None:
        """Turn the switch of a fault."""
        await self.open_tab("Faults")
        group = self.page.get_by_role("region", name=f"Faults of {at}")
        await group.get_by_role("switch", name=fault).click()

    async def expect_ledger(self, name: str, count: int) -> None:
        """Wait until the ledger has this count."""
        entry = self.page.locator("#ledger div", has=self.page.get_by_text(name, exact=True))
        await expect(entry.locator("dd")).to_have_text(str(count))

    async def station_names(self) -> list[str]:
        """What the chosen message has passed so far."""
        return [name.strip() for name in await self.stations.locator(".head > span").all_text_contents()]
