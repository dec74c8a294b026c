from hybrid._fast import size as size
