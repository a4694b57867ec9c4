import fc from 'fast-check';

// With WIREPIPE_SEED every property test draws the same inputs in each run: the gate tests the change, not the luck of
// the draw.
const seed = process.env.WIREPIPE_SEED;
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
