import { problem } from '../../../errors.js'
import type { Work } from '../../deadline.js'
import { HttpFailure } from '../../http-failure.js'
import { createLane, type Entry, type Lane } from './lane.js'
import { createRate } from './rate.js'
import { createWidth, type Width } from './width.js'

/** `urgent`: a read whose request has little time, as a page that somebody loads; `read`: one of a request that writes. */
export type Kind = 'urgent' | 'read' | 'write' | 'background'

export interface QueuedCall {
  kind: Kind
  /** of calls that take about the same time; undefined: it says nothing of how busy 3scale is */
  name: string
  /** for the message of an error */
  host: string
  /** what it is done for; undefined: the portal itself */
  work: Work | undefined
  /** milliseconds until it is no longer worth sending */
  waitMs: number
}

export interface QueueOptions {
  /** calls that may wait, altogether and for one owner */
  most?: number
  mostOfOne?: number
  width?: Width
  now?: () => number
}

export type Queue = ReturnType<typeof createQueue>

/** Of a person's calls that wait, so many reads are sent for each write. */
const READS_A_WRITE = 4
/** People come before background work, which after this time is next. */
const BACKGROUND_MS = 5000
/** Without any answer for this time, one call more is sent at a time: the calls that hold the places may never be answered. */
const SILENT_MS = 3000
const ANSWERED_MS = 2500
const LOOK_MS = 1000

/**
 * The queue in front of 3scale. As many calls are sent at a time as it sustains (`width.ts`); the others wait, bounded in
 * total and for each owner, owners by turns, reads before writes (those with little time first) and people before background work. A call whose caller has
 * left is removed. Of three places or more one is never taken by a write, so reads need not wait for long ones.
 */
export function createQueue({
  most = 2000,
  mostOfOne = 50,
  width = createWidth(),
  now = () => performance.now(),
}: QueueOptions = {}) {
  const lanes: Record<Kind, Lane> = {
    urgent: createLane(),
    read: createLane(),
    write: createLane(),
    background: createLane(),
  }
  const running: Record<Kind, number> = { urgent: 0, read: 0, write: 0, background: 0 }
  const rate = createRate(now)
  let readsInARow = 0
  let answeredAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  return {
    /**
     * Sends the call when it is its turn. Rejects as `send`; with threescale_busy where too many wait or it was not sent in time,
     * with HttpFailure `timeout` where that is because 3scale answers nothing, `given_up` where the caller has left.
     */
    async run<T>(call: QueuedCall, send: () => Promise<T>): Promise<T> {
      await turn(call)
      const began = now()
      try {
        const result = await send()
        answeredAt = now()
        rate.count()
        observe(call, now() - began)
        return result
      } catch (error) {
        if (error instanceof HttpFailure && error.kind === 'timeout') observe(call, now() - began)
        throw error
      } finally {
        running[call.kind]--
        pump()
      }
    },

    /** Whether 3scale works: it has answered just now, or a write is running, which may take its time. */
    isResponding,

    report: () => ({ waiting: waiting(), running: total(), width: width.value }),
  }

  function isResponding(): boolean {
    return running.write > 0 || now() - answeredAt < ANSWERED_MS
  }

  function turn({ kind, host, work, waitMs }: QueuedCall): Promise<void> {
    const lane = lanes[kind]
    const owner = work?.owner ?? ''
    return new Promise((resolve, reject) => {
      const stays = () => work?.hasWritten || work?.shared
      if (work?.hasLeft && !stays()) return reject(new HttpFailure('given_up', host))
      if (!work?.hasWritten && isFull(kind, owner)) return reject(busy())
      let late: NodeJS.Timeout | undefined
      const entry: Entry = {
        owner,
        since: now(),
        start() {
          end()
          running[kind]++
          if (work && kind === 'write') work.hasWritten = true
          resolve()
        },
      }
      const end = () => {
        clearTimeout(late)
        work?.onLeave.delete(left)
      }
      const left = () => {
        if (stays() || !lane.remove(entry)) return
        end()
        reject(new HttpFailure('given_up', host))
      }
      if (work && !work.shared) work.onLeave.add(left)
      if (waitMs !== Number.POSITIVE_INFINITY) {
        late = setTimeout(() => {
          if (!lane.remove(entry)) return
          end()
          reject(isResponding() ? busy() : new HttpFailure('timeout', host))
        }, waitMs)
      }
      lane.add(entry)
      pump()
    })
  }

  /** The portal's own calls are few, and bounded by those who make them. */
  function isFull(kind: Kind, owner: string): boolean {
    if (waiting() >= most) return true
    if (owner === '' || kind === 'background') return false
    return lanes.urgent.of(owner) + lanes.read.of(owner) + lanes.write.of(owner) >= mostOfOne
  }

  function busy() {
    return problem('threescale_busy', { retryAfter: rate.secondsFor(waiting()) })
  }

  function pump(): void {
    for (let entry = next(); entry; entry = next()) {
      if (total() === 0) answeredAt = now()
      entry.start()
    }
    if (waiting() === 0 || timer) return
    timer = setTimeout(() => {
      timer = undefined
      pump()
    }, LOOK_MS).unref()
  }

  function next(): Entry | undefined {
    const places = width.value + extra() - total()
    if (places <= 0) return undefined
    const { write, background } = lanes
    const read = lanes.urgent.size > 0 ? lanes.urgent : lanes.read
    const mayBackground = background.size > 0 && running.background < Math.max(1, Math.floor(width.value / 2))
    const mayWrite = write.size > 0 && (width.value < 3 || running.write < width.value - 1)
    if (mayBackground && now() - background.since() > BACKGROUND_MS) return background.take()
    if (read.size > 0 && (!mayWrite || readsInARow < READS_A_WRITE)) {
      readsInARow++
      return read.take()
    }
    if (mayWrite) {
      readsInARow = 0
      return write.take()
    }
    return mayBackground ? background.take() : undefined
  }

  function extra(): number {
    return total() === 0 ? 0 : Math.max(0, Math.floor((now() - answeredAt) / SILENT_MS))
  }

  function observe({ name }: QueuedCall, ms: number): void {
    width.observe({ name, ms, running: total(), limited: waiting() > 0 })
  }

  function waiting(): number {
    return lanes.urgent.size + lanes.read.size + lanes.write.size + lanes.background.size
  }

  function total(): number {
    return running.urgent + running.read + running.write + running.background
  }
}
