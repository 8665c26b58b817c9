import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './root.js'

const packageJson = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }

export const version = packageJson.version
