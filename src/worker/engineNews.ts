import type { EngineStatus } from '../protocol';

/** The answer while the engine is being loaded. An engine that could not be loaded has a reason. */
export const notKnownYet: EngineStatus = { name: 'unavailable', version: '', reason: '' };

export function isKnown({ name, reason }: EngineStatus): boolean {
  return name !== 'unavailable' || reason !== '';
}
