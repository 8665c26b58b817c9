// `npm run screenshots`: pictures of every page and state. CONTRIBUTING.md lists its options.
import { mkdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { projectRoot } from '../../src/project-root.js'
import { install, requirements } from '../bench/requirements.js'
import { launchBrowser } from '../helper/browser.js'
import { nameOf, type Photo, photograph } from './camera.js'
import { writeGallery } from './gallery.js'
import { shots } from './shots/shots.js'
import { openStage } from './stage.js'

const { values } = parseArgs({
  options: {
    match: { type: 'string', default: '' },
    out: { type: 'string', default: join(projectRoot, 'screenshots') },
    readme: { type: 'boolean', default: false },
  },
})

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
process.exit(await main())

/** Returns the exit code. */
async function main(): Promise<number> {
  const { match, out: folder, readme } = values
  const chosen = shots.filter((shot) => nameOf(shot).includes(match) && (!readme || shot.readme))
  if (chosen.length === 0) {
    process.stderr.write(`No page or state has a name that contains ${match}.\n`)
    return 1
  }
  await install(requirements.chromium)
  mkdirSync(folder, { recursive: true })
  for (const shot of chosen) rmSync(join(folder, nameOf(shot)), { recursive: true, force: true })
  const photos: Photo[] = []
  const browser = await launchBrowser()
  try {
    const stage = await openStage(browser)
    try {
      for (const shot of chosen) {
        const photo = await photograph(stage, shot, { folder, readme })
        photos.push(photo)
        for (const problem of photo.problems) process.stderr.write(`${shot.page}, ${shot.state}: ${problem}\n`)
        writeGallery(folder, photos)
      }
    } finally {
      await stage.close()
    }
  } finally {
    await browser.close()
  }
  const failed = photos.filter(({ problems }) => problems.length > 0)
  const gallery = pathToFileURL(join(folder, 'index.html')).href
  process.stdout.write(`${photos.length} pages and states in ${relative('.', folder) || folder}, ${gallery}\n`)
  if (failed.length > 0) process.stdout.write(`${failed.length} of them have problems, see above.\n`)
  return failed.length > 0 ? 1 : 0
}
