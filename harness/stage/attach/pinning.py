"""From a name to one address, asked once: whoever answers otherwise later is not followed (DNS rebinding)."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.request import proxy_bypass

from harness.errors import EnvironmentProblem, Refused
from harness.stage.attach.places import Wanted, production_like

PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "::1/128",
            "fc00::/7",
        ),
    )
)
METADATA = ipaddress.ip_network("fd00:ec2::/32")
"""A cloud's own service, which gives its machines their passwords."""

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")

Resolve = Callable[..., Iterable[Any]]


@dataclass(frozen=True)
class Place:
    """Where a service is: the name that is told to it, and the one address that is connected to."""

    wanted: Wanted
    address: str

    @property
    def url(self) -> str:
        """Its address as a URL without a path, by name."""
        return f"{self.wanted.scheme}://{self.wanted.host}:{self.wanted.port}"


class Pins:
    """The addresses of this rehearsal. Every name is asked for once."""

    def __init__(self, resolve: Resolve = socket.getaddrinfo) -> None:
        self._resolve = resolve
        self.addresses: dict[str, str] = {}

    def pin(self, place: Wanted) -> Place:
        """The place with its address. Raises Refused for what is public or looks like production."""
        if place.host not in self.addresses:
            self.addresses[place.host] = self._ask(place)
        return Place(place, self.addresses[place.host])

    def _ask(self, place: Wanted) -> str:
        try:
            answers = list(
                self._resolve(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
            )
        except OSError as problem:
            raise EnvironmentProblem(
                f"{place.host} has no address: {problem.strerror}",
                expected="a name that this machine can resolve",
                fix="look at the name, at the VPN, or at /etc/hosts",
            ) from problem
        for name in filter(None, (answer[3] for answer in answers)):
            like = production_like(name)
            if like:
                raise Refused(
                    f"{place.host} is another name of {name}, and {like!r} looks like production",
                    expected="a place for rehearsals",
                )
        found: list[str] = list(dict.fromkeys(answer[4][0] for answer in answers))
        for address in found:
            why = not_private(address)
            if why:
                raise Refused(
                    f"{place.host} leads to {address}, which is {why}",
                    expected="addresses of this machine or of a private network only",
                    fix="rehearse where the address is a private one: in the VPN, or through a tunnel to 127.0.0.1",
                )
        return sorted(found, key=lambda address: ":" in address)[0]


def not_private(address: str) -> str:
    """Why an address may not be sent to; empty where it may."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip in METADATA:
        return "a cloud's metadata service"
    if any(ip in network for network in PRIVATE):
        return ""
    if ip.is_global:
        return "public"
    return "a link's own, which is where clouds keep secrets" if ip.is_link_local else "no ordinary address"


def no_proxies(hosts: Iterable[str]) -> None:
    """Raises Refused where the environment names a proxy for one of these hosts: requests would go there first."""
    named = [name for name, value in os.environ.items() if value and name.lower() in PROXIES]
    through = [host for host in dict.fromkeys(hosts) if named and not proxy_bypass(host)]
    if through:
        raise Refused(
            f"{', '.join(named)} would lead requests to {', '.join(through)} over a proxy",
            expected="a straight way to what is rehearsed",
            fix=f"unset {' '.join(named)}, or add the hosts to NO_PROXY",
        )
