"""One file each: what owns a port and the process's signals."""
