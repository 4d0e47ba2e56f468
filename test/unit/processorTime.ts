/** Milliseconds of processor time that this process has taken, its threads included: unlike a clock it does not go on while others have the machine. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
