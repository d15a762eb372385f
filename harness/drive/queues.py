"""Brokers of a stage: messages as the way to start a batch, and what is read back from them.

    from harness.drive.queues import RabbitMQ, Redis

    Redis(live.broker).call("pay", [[user.id] for user in users])      # a Celery task for each
    RabbitMQ(live.broker).push("payouts", [user.id for user in users])   # a plain message for each

Needs `pip install rehearse[queue]`; nothing of it is imported before it is used.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.drive.client import Client
from harness.drive.messages import Response
from harness.errors import EnvironmentProblem, UsageError
from harness.model.exchange import Exchange, Sizes

if TYPE_CHECKING:
    import redis

CONNECT, ANSWER = 10.0, 60.0
CELERY = "celery"
"""The queue that Celery takes where none is named."""


@dataclass(frozen=True)
class Broker:
    """What both have in common. `client` is that of the broker's service, such as `live.broker`."""

    client: Client

    @property
    def url(self) -> str:
        """Where it is now; a service that was started again may be elsewhere."""
        raise NotImplementedError

    def call(self, task: str, arguments: Sequence[Sequence[Any]], *, queue: str = CELERY) -> Response:
        """Calls a Celery task once for each list of arguments."""
        return self._publish(queue, self._calls(task, queue), arguments)

    def push(self, queue: str, messages: Sequence[str | bytes]) -> Response:
        """Puts plain messages into a queue, which is durable where the broker makes that difference."""
        return self._publish(queue, self._pushes(queue), messages)

    def waiting(self, queue: str = CELERY) -> int:
        """How many messages wait in the queue."""
        raise NotImplementedError

    @contextmanager
    def _pushes(self, queue: str) -> Iterator[Callable[[Any], object]]:
        raise NotImplementedError
        yield

    @contextmanager
    def _calls(self, task: str, queue: str) -> Iterator[Callable[[Any], object]]:
        celery = _needed("celery")
        app = celery.Celery(broker=self.url, set_as_current=False)
        app.conf.broker_transport_options = self._options()
        with app.connection_for_write(connect_timeout=CONNECT) as line:
            producer = app.amqp.Producer(line)
            yield lambda given: app.send_task(
                task, args=list(given), queue=queue, producer=producer, retry=False
            )

    def _options(self) -> dict[str, Any]:
        raise NotImplementedError

    def _publish(self, queue: str, sender: Any, messages: Sequence[Any]) -> Response:
        if self.client.commands is None or self.client.conduct:
            raise UsageError(
                f"messages cannot be sent to {self.client.service!r} here",
                expected="a broker that this rehearsal has started",
                fix="rehearse that with --stage docker or process",
            )
        began, sent, error = time.monotonic(), 0, ""
        try:
            with sender as send:
                for message in messages:
                    send(message)
                    sent += 1
        except _broken() as problem:
            error = f"{sent} of {len(messages)} messages sent, then {type(problem).__name__}: {problem}"[:300]
        size = sum(len(_plain(message)) for message in messages)
        exchange = Exchange(
            service=self.client.service,
            method="PUBLISH",
            path=queue,
            sizes=Sizes(line=0, target=len(queue.encode()), head=0, body=size, fields=len(messages)),
            status=None,
            body=error or f"{sent} messages sent",
            fate=("reset" if sent else "refused") if error else "closed",
            error=error,
            seconds=round(time.monotonic() - began, 4),
            via="queue",
        )
        return Response(exchange, exchange.body.encode())


@dataclass(frozen=True)
class Redis(Broker):
    """Redis: a queue is a list, to whose left end messages are pushed; Celery's results may be kept there, too."""

    database: int = 0

    @property
    def url(self) -> str:
        """Where it is now."""
        return "redis://{}:{}/{}".format(*self.client.address, self.database)

    def waiting(self, queue: str = CELERY) -> int:
        """How many messages wait in the list, or were given to a Celery worker that has not acknowledged them."""
        with self._line() as line:
            return int(line.llen(queue)) + (int(line.hlen("unacked")) if queue == CELERY else 0)

    def results(self) -> list[dict[str, Any]]:
        """What Celery's result backend says of each call: its `task_id`, `status`, `result`; with Celery's own
        setting `result_extended`, its `name` and `args` as well. `item` is the first argument, else the task's id."""
        with self._line() as line:
            keys = list(line.scan_iter("celery-task-meta-*", count=1000))
            found = [json.loads(text) for text in (line.mget(keys) if keys else []) if text]
        return [row | {"item": (row.get("args") or [row["task_id"]])[0]} for row in found]

    @contextmanager
    def _pushes(self, queue: str) -> Iterator[Callable[[Any], object]]:
        with self._line() as line:
            yield lambda message: line.lpush(queue, message)

    def _options(self) -> dict[str, Any]:
        return {"socket_connect_timeout": CONNECT, "socket_timeout": ANSWER}

    @contextmanager
    def _line(self) -> Iterator[redis.Redis]:
        line = _needed("redis").Redis.from_url(self.url, **self._options())
        try:
            yield line
        finally:
            line.close()


@dataclass(frozen=True)
class RabbitMQ(Broker):
    """RabbitMQ: messages are persistent, and count as sent once the broker has confirmed them."""

    user: str = "guest"
    password: str = "guest"
    host: str = ""
    """The virtual host; "" is the one called /."""

    @property
    def url(self) -> str:
        """Where it is now."""
        where = "{}:{}".format(*self.client.address)
        return f"amqp://{self.user}:{self.password}@{where}/{self.host or '%2F'}"

    def waiting(self, queue: str = CELERY) -> int:
        """How many messages are ready in the queue; 0 where there is no such queue yet. Those that a worker has and
        has not acknowledged are not told over AMQP."""
        missing = _needed("amqp").exceptions.NotFound
        with self._line() as line:
            try:
                return int(line.default_channel.queue_declare(queue, passive=True).message_count)
            except missing:
                return 0

    @contextmanager
    def _pushes(self, queue: str) -> Iterator[Callable[[Any], object]]:
        with self._line() as line:
            line.default_channel.queue_declare(queue, durable=True, auto_delete=False)
            producer = line.Producer()
            yield lambda message: producer.publish(
                _plain(message),
                routing_key=queue,
                delivery_mode=2,
                content_type="application/octet-stream",
                content_encoding="binary",
            )

    def _options(self) -> dict[str, Any]:
        return {"confirm_publish": True, "read_timeout": ANSWER, "write_timeout": ANSWER}

    @contextmanager
    def _line(self) -> Iterator[Any]:
        kombu = _needed("kombu")
        with kombu.Connection(self.url, connect_timeout=CONNECT, transport_options=self._options()) as line:
            yield line


def _needed(name: str) -> Any:
    """One of the libraries that speak to brokers."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as problem:
        raise EnvironmentProblem(
            f"the Python package {name} is not installed",
            expected="what speaks to brokers",
            fix="pip install 'rehearse[queue]'",
        ) from problem


def _broken() -> tuple[type[Exception], ...]:
    """What is raised where a broker is gone, or says no."""
    kombu, redis, amqp = (
        _needed(name) for name in ("kombu.exceptions", "redis.exceptions", "amqp.exceptions")
    )
    return OSError, kombu.OperationalError, redis.RedisError, amqp.AMQPError


def _plain(message: Any) -> bytes:
    if isinstance(message, bytes):
        return message
    return message.encode() if isinstance(message, str) else json.dumps(list(message), default=str).encode()
