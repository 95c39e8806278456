// All harnesses are built as this module's dependencies; run.sh links each to a program of its own.
