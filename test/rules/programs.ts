import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'acorn'
import { projectRoot } from '../../src/project-root.js'

export interface SyntaxNode {
  type: string
  regex?: { pattern: string; flags: string }
  [member: string]: unknown
}

const built = join(projectRoot, 'dist', 'src')

/** The files that run in production, as built. */
export const programs = readdirSync(built, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.js') && !file.startsWith('demo'))
  .map((file) => {
    const source = readFileSync(join(built, file), 'utf8')
    return {
      file,
      source,
      tree: parse(source, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as SyntaxNode,
    }
  })

export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node)
  for (const inner of Object.values(node).flat())
    if (typeof inner === 'object' && inner !== null && 'type' in inner) walk(inner as SyntaxNode, visit)
}
