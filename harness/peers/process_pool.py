"""asyncio and a process pool: partitions of 60,000 lines go out, dictionaries come back and are merged."""

import asyncio
import functools
from concurrent.futures import ProcessPoolExecutor

from lines import add_up, merge, read
from report import arguments, report_dictionary

LINES = 60_000


async def totals(file, processes):
    lines = read(file)
    partitions = (lines[begin : begin + LINES] for begin in range(0, len(lines), LINES))
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(processes) as pool:
        jobs = [loop.run_in_executor(pool, add_up, partition) for partition in partitions]
        return functools.reduce(merge, await asyncio.gather(*jobs), {})


if __name__ == "__main__":
    file, processes, output = arguments()
    report_dictionary(asyncio.run(totals(file, processes)), output)
