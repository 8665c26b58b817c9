import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

export interface Used {
  metric: string
  /** Labels that the surrounding matchers and groupings name. */
  labels: string[]
  matchers: { label: string; operator: string; value: string }[]
}

/** The metrics and labels of a query, parsed by Prometheus' own grammar; throws if it is invalid. */
export function usedBy(query: string): Used[] {
  const tree = parser.parse(query)
  tree.iterate({
    enter({ type, from }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${query}`)
    },
  })
  const used: Used[] = []
  tree.iterate({
    enter({ type, node }) {
      if (type.name !== 'VectorSelector') return
      const name = node.getChild('Identifier')
      const matchers = textsOf(node, ['UnquotedLabelMatcher']).map((text) => {
        const [, label = '', operator = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/s.exec(text) ?? []
        return { label, operator, value }
      })
      const groups = around(node).flatMap((aggregate) => {
        const modifier = aggregate.getChild('AggregateModifier')
        return modifier ? textsOf(modifier, ['LabelName']) : []
      })
      used.push({
        metric: name ? query.slice(name.from, name.to) : '',
        labels: [...new Set([...matchers.map(({ label }) => label), ...groups])],
        matchers,
      })
    },
  })
  return used

  function textsOf(node: SyntaxNode, names: string[]): string[] {
    const texts: string[] = []
    node.cursor().iterate((each) => {
      if (names.includes(each.name) && each.from >= node.from && each.to <= node.to)
        texts.push(query.slice(each.from, each.to))
    })
    return texts
  }
}

function around(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let at = node.parent; at; at = at.parent) if (at.name === 'AggregateExpr') found.push(at)
  return found
}
