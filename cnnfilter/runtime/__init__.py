"""The compiler and the machine: compiling, machine code that is kept, threads, forks, memory that is lent."""
