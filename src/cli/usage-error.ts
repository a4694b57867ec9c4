/** Wrong arguments: the message is printed to stderr on one line, and the exit status is 2. */
export class UsageError extends Error {}
