/** Who listens to what. */

type Listener = (event: never) => void;

export class Listeners<Events> {
  private readonly all = new Map<keyof Events, Set<Listener>>();

  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    const listeners = this.all.get(name) ?? new Set();
    this.all.set(name, listeners.add(listener as Listener));
  }

  off<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    this.all.get(name)?.delete(listener as Listener);
  }

  tell<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    // A copy: a listener may take itself off.
    for (const listener of [...(this.all.get(name) ?? [])]) {
      try {
        (listener as (event: Events[Name]) => void)(event);
      } catch (error) {
        // A listener's mistake is shown like any other of the page or process, and disturbs neither the stream nor the others.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
