"""asyncpg: `async for` over a cursor, which fetches so many rows at a time."""

import asyncio
import sys

import asyncpg

from rows import clocks, report, row_sum, told

query, size, loop = told()


async def read(connection):
    rows = numbers = letters = 0
    async with connection.transaction():
        async for number, name in connection.cursor(query, prefetch=size):
            rows += 1
            numbers += number
            letters += len(name)
    return rows, numbers, letters


async def check(connection):
    async with connection.transaction():
        return (sum([row_sum(*row) async for row in connection.cursor(query, prefetch=size)]),)


async def main():
    connection = await asyncpg.connect()
    print(asyncpg.__version__, connection.get_server_pid(), flush=True)
    for line in sys.stdin:
        before = clocks()
        report(await (check if line == "check\n" else read)(connection), before)


if loop == ["uvloop"]:
    import uvloop

    uvloop.run(main())
else:
    asyncio.run(main())
