import type { SuspectLayer } from '../protocol';

/** A layer that was in work so often when the worker process died is left alone. */
const mostDeaths = 2;

/**
 * Knows which layers are in work and tells it at once, so that whoever watches over this process knows what it died of; and which were in work when
 * an earlier process died. Those are measured last and alone: another death then has one suspect.
 */
export class Suspects {
  private deaths = new Map<string, number>();
  /** How many jobs of each layer. */
  private readonly inWork = new Map<string, number>();

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
    this.inWork.set(key, (this.inWork.get(key) ?? 0) + 1);
    this.onWork([...this.inWork.keys()]);
  }

  end(key: string): void {
    const others = (this.inWork.get(key) ?? 1) - 1;
    if (others > 0) this.inWork.set(key, others);
    else this.inWork.delete(key);
    this.deaths.delete(key);
    this.onWork([...this.inWork.keys()]);
  }
}
