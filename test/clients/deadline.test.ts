import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { aside, timeLeft, unhurried, within } from '../../src/clients/deadline.js'

t.test('work that somebody waits for has an end, other work has none', async (t) => {
  t.equal(timeLeft(), Number.POSITIVE_INFINITY)
  await within(1000, async (over) => {
    await sleep(20)
    t.ok(timeLeft() > 0 && timeLeft() < 1000, `${timeLeft()}`)
    t.equal(await unhurried(async () => timeLeft()), Number.POSITIVE_INFINITY, 'what outlives who asked')
    const left = timeLeft()
    await aside(() => sleep(50))
    t.ok(timeLeft() > left - 40, 'a call with a time of its own takes none of it')
    over()
  })
  t.equal(await unhurried(async () => timeLeft()), Number.POSITIVE_INFINITY)
})

t.test('the end of one who waits is not the end of another', async (t) => {
  const ends: (() => void)[] = []
  function wait(ms: number): Promise<number> {
    return within(ms, async (over) => {
      ends.push(over)
      await sleep(30)
      return timeLeft()
    })
  }
  const [gone, stays] = [wait(1000), wait(2000)]
  ends[0]?.()
  t.equal(await gone, Number.POSITIVE_INFINITY, 'who has gone')
  const left = await stays
  t.ok(left > 1000 && left < 2000, `${left}`)
  ends[1]?.()
})

t.test('when nobody waits any more, what still runs has no end, and who comes then has one again', async (t) => {
  const late = within(1000, async (over) => {
    over()
    await sleep(30)
    return timeLeft()
  })
  t.equal(await late, Number.POSITIVE_INFINITY)
  await within(1000, async (over) => {
    await sleep(5)
    t.ok(timeLeft() > 0 && timeLeft() < 1000, `${timeLeft()}`)
    over()
  })
})
