/**
 * The order in which callers visit addresses: each caller in turn, and each time another of its addresses. So no caller is next
 * to itself, and the same caller returns to an address only after all of its others.
 */
export function visitOrder<Caller, Address>(
  callers: Caller[],
  addressesOf: (caller: Caller, index: number) => Address[],
  length: number,
): { caller: Caller; address: Address }[] {
  const lists = callers.map((caller, index) => addressesOf(caller, index))
  const order: { caller: Caller; address: Address }[] = []
  for (let turn = 0; order.length < length; turn++) {
    const before = order.length
    callers.forEach((caller, index) => {
      const addresses = lists[index] ?? []
      const address = addresses[(turn + index) % addresses.length]
      if (address !== undefined && order.length < length) order.push({ caller, address })
    })
    // No caller has an address.
    if (order.length === before) break
  }
  return order
}

/** The callers of each connection. No two connections share a caller. */
export function lanesOf<Caller>(callers: Caller[], count: number): Caller[][] {
  const lanes = Array.from({ length: Math.min(count, callers.length) }, (): Caller[] => [])
  callers.forEach((caller, index) => {
    lanes[index % lanes.length]?.push(caller)
  })
  return lanes
}

/** How many visits of a lane bring each of its callers to all of its addresses, within `most`. */
export function lengthOf<Caller>(
  callers: Caller[],
  addressesOf: (caller: Caller, index: number) => unknown[],
  most: number,
): number {
  const longest = Math.max(1, ...callers.map((caller, index) => addressesOf(caller, index).length))
  return Math.min(most, callers.length * longest)
}
