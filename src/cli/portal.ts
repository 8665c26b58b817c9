import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

const MB = 1024 * 1024

/**
 * Starts the portal, in little memory: it is one of several small containers. Loading a program is no reason for V8 to blow
 * up its space for young objects, so that one grows once the portal runs; and old ones are collected whenever they are 10 %
 * more, where V8 would let them become many times what is needed.
 */
export async function servePortal(): Promise<void> {
  growYoung(1)
  setFlagsFromString('--heap-growing-percent=10')
  // to optimise the WebAssembly that parses 3scale's answers takes 32 MB, which malloc often keeps, and a good deal of the start
  setFlagsFromString('--no-wasm-tier-up')
  setFlagsFromString('--no-wasm-dynamic-tiering')
  const { serve } = await import('./serve.js')
  await serve()
  setInterval(() => growYoung(factorFor(youngBytes())), 250).unref()
}

/** Both halves of the space: 2, 4, 8 and 24 MB. With 16 short answers cost a twentieth more, with V8's 32 no less. */
function factorFor(bytes: number): number {
  if (bytes < 8 * MB) return 2
  return bytes < 20 * MB ? 3 : 1
}

function growYoung(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`)
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
}
