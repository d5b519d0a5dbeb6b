"""The client without a transport: everything but sending one request, for whoever embeds it over an HTTP library.

`Client` blocks and `AsyncClient` awaits, each over an adapter: a function that sends one request. What they do is
said by conversations (`bide_transports.client.seam`), which a driver carries out.
"""

from bide_transports.client.awaiting import AsyncClient, AsyncSend, Following
from bide_transports.client.blocking import Client, Interrupted, Send, follow, run
from bide_transports.client.drivers import drive, drive_async
from bide_transports.client.seam import Ask, Conversation, Runtime, Wait

__all__ = [
    "Ask",
    "AsyncClient",
    "AsyncSend",
    "Client",
    "Conversation",
    "Following",
    "Interrupted",
    "Runtime",
    "Send",
    "Wait",
    "drive",
    "drive_async",
    "follow",
    "run",
]
