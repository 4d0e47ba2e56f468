import type { SuspectLayer } from '../protocol';

/** A layer that was in work so often when the worker process died is left alone. */
const mostDeaths = 2;

/**
 * Knows which layers are in work and tells it at once, so that whoever watches over this process knows what it died of; and which were in work when
 * an earlier process died. Those are measured last and alone: another death then has one suspect.
 */
export class Suspects {
  private deaths = new Map<string, number>();
  private readonly inWork = new Set<string>();

  constructor(private readonly onWork: (keys: readonly string[]) => void) {}

  set(suspects: readonly SuspectLayer[]): void {
    this.deaths = new Map(suspects.map(({ key, deaths }) => [key, deaths]));
  }

  isSuspect(key: string): boolean {
    return this.deaths.has(key);
  }

  /** Why a layer is not measured any more, in words; null when it may be. */
  quarantineReason(key: string): string | null {
    const deaths = this.deaths.get(key) ?? 0;
    if (deaths < mostDeaths) return null;
    return `is left out: the background worker died ${deaths} times while it was being measured. The command "Measure Now" tries once more.`;
  }

  begin(key: string): void {
    this.inWork.add(key);
    this.onWork([...this.inWork]);
  }

  end(key: string): void {
    this.inWork.delete(key);
    this.deaths.delete(key);
    this.onWork([...this.inWork]);
  }
}
