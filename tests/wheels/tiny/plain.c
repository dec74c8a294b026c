int PyInit__spam(void) { return 0; }
