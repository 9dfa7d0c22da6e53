"""One process, one dictionary, line after line: the simplest program."""

from lines import add_up, read
from report import arguments, report_dictionary

file, _, output = arguments()
report_dictionary(add_up(read(file)), output)
