"""Gaps: times in which a pack receives nothing."""

from application.ports.receiver import Connected
from tests.support.environment import World


async def miss(world: World, seconds: float, *texts: str) -> None:
    """Posts these texts in C1 over so many seconds, undelivered."""
    with world.undelivered():
        for text in texts:
            await world.clock.advance(seconds / (len(texts) + 1))
            world.chat.say("C1", text)
        await world.clock.advance(seconds / (len(texts) + 1))


async def reconnect(world: World, seconds: float, *texts: str, is_redelivered: bool = True) -> None:
    """Loses the connection for so many seconds, while these texts are posted in C1, and restores it."""
    await miss(world, seconds, *texts)
    world.receiver.deliver(Connected(seconds, is_redelivered))
