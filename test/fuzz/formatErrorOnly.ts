import { expect } from 'vitest';
import { FormatError } from '../../src/formats';

/** The one way in which damaged bytes may be refused: with a reason. Any other error is a finding of the fuzz test. */
export function formatErrorOnly(error: unknown): 'error' {
  if (!(error instanceof FormatError)) {
    throw error;
  }
  expect(error.reason).not.toBe('');
  return 'error';
}
