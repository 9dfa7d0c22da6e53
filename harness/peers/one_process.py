"""One process, one dictionary, line after line: what one writes first."""

from lines import add_up, read
from report import report_dictionary, told

file, _, output = told()
report_dictionary(add_up(read(file)), output)
