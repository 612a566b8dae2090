"""Customer orientation of employees: sheets, reliability, what it goes with, selective asking."""
