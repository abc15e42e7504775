"""Page object of the workbench: finds the page's parts by their roles and names, as its users do."""

from playwright.async_api import Locator, Page, expect


class WorkbenchPage:
    """An open page of the workbench."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.text = page.get_by_role("textbox", name="Message", exact=True)
        self.articles = page.get_by_role("article")
        self.trace = page.get_by_role("tabpanel", name="Trace")
        self.steps = self.trace.get_by_role("listitem")

    async def say(self, *texts: str) -> None:
        """Posts each text as the selected person and waits until it is shown."""
        for text in texts:
            await self.send(text)
            await expect(self.message(text)).not_to_have_count(0)

    async def send(self, text: str) -> None:
        """Posts a text without waiting."""
        await self.text.fill(text)
        await self.text.press("Enter")

    def message(self, text: str) -> Locator:
        """Returns the messages that contain this text."""
        return self.articles.filter(has_text=text)

    async def speaker(self) -> str:
        """Returns the id of the person who speaks."""
        user_id: str = await self.page.get_by_role("combobox", name="Speak as").input_value()
        return user_id

    async def open_tab(self, name: str) -> None:
        """Select one of the tabs at the right."""
        await self.page.get_by_role("tab", name=name).click()

    async def toggle_fault(self, fault: str, *, at: str) -> None:
        """Click the switch of a fault."""
        await self.open_tab("Faults")
        group = self.page.get_by_role("region", name=f"Faults of {at}")
        await group.get_by_role("switch", name=fault).click()

    async def expect_count(self, name: str, count: int) -> None:
        """Waits until the summary has this count."""
        counter = self.page.locator("#summary div", has=self.page.get_by_text(name, exact=True))
        await expect(counter.locator("dd")).to_have_text(str(count))

    async def step_labels(self) -> list[str]:
        """Returns the steps of the selected message."""
        return [label.strip() for label in await self.steps.locator(".head > span").all_text_contents()]
