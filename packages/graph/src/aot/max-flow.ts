/** A network of pipes between numbered places: the most that can flow from one to another, and where it is narrowest. */
export class FlowNetwork {
  readonly #to: number[] = []
  readonly #room: number[] = []
  readonly #pipes: number[][] = []

  /** A new place. */
  place(): number {
    return this.#pipes.push([]) - 1
  }
  /** A pipe with that much room, which may be Infinity. */
  pipe(from: number, to: number, room: number): void {
    this.#pipes[from]!.push(this.#to.push(to) - 1)
    this.#room.push(room)
    // what flows may be sent back
    this.#pipes[to]!.push(this.#to.push(from) - 1)
    this.#room.push(0)
  }

  /** Distance of each place from `source` along pipes with room; −1 where there is no way. */
  #distances(source: number): number[] {
    const distance = new Array<number>(this.#pipes.length).fill(-1)
    distance[source] = 0
    const queue = [source]
    for (const at of queue)
      for (const p of this.#pipes[at]!) {
        const to = this.#to[p]!
        if (this.#room[p]! > 0 && distance[to]! < 0) {
          distance[to] = distance[at]! + 1
          queue.push(to)
        }
      }
    return distance
  }

  /** Lets as much flow as will, by Dinic's algorithm, and gives which places could still be reached: pipes from those to others are the narrowest cut nearest to `source`. */
  cut(source: number, sink: number): boolean[] {
    for (;;) {
      const distance = this.#distances(source)
      if (distance[sink]! < 0) return distance.map((d) => d >= 0)
      const tried = new Array<number>(this.#pipes.length).fill(0)
      while (this.#push(source, sink, distance, tried));
    }
  }

  /** Sends as much as fits along one shortest way. An explicit stack: programs are long. */
  #push(source: number, sink: number, distance: readonly number[], tried: number[]): boolean {
    const way: number[] = []
    let at = source
    while (at !== sink) {
      const pipes = this.#pipes[at]!
      while (
        tried[at]! < pipes.length &&
        !(this.#room[pipes[tried[at]!]!]! > 0 && distance[this.#to[pipes[tried[at]!]!]!] === distance[at]! + 1)
      )
        tried[at]!++
      if (tried[at]! < pipes.length) {
        const p = pipes[tried[at]!]!
        way.push(p)
        at = this.#to[p]!
        continue
      }
      const back = way.pop()
      if (back === undefined) return false
      at = this.#to[back ^ 1]!
      tried[at]!++
    }
    const amount = Math.min(...way.map((p) => this.#room[p]!))
    if (amount === Infinity) throw new RangeError('expected a way with a bound, got one without')
    for (const p of way) {
      this.#room[p]! -= amount
      this.#room[p ^ 1]! += amount
    }
    return true
  }
}
