type Groups = Map<unknown, unknown[]>
interface Grouped {
  groups: Groups
  /** rows of the list that are in the groups */
  covered: number
}

const indexes = new WeakMap<readonly object[], Map<PropertyKey, Grouped>>()

/**
 * The rows of a list whose `member` is `value`, in order. The list may grow or be replaced; neither the member of a row may change nor
 * a row in the middle be exchanged. A tenant of 100,000 applications is otherwise read from end to end for each of them.
 */
export function rowsWith<Row extends object, Name extends keyof Row>(
  rows: readonly Row[],
  member: Name,
  value: Row[Name] | undefined,
): readonly Row[] {
  const ofList = indexes.get(rows) ?? new Map<PropertyKey, Grouped>()
  indexes.set(rows, ofList)
  const grouped = upToDate(rows, member, ofList.get(member))
  ofList.set(member, grouped)
  return (grouped.groups.get(value) as Row[] | undefined) ?? []
}

/** The first of them. */
export function rowWith<Row extends object, Name extends keyof Row>(
  rows: readonly Row[],
  member: Name,
  value: Row[Name] | undefined,
): Row | undefined {
  return rowsWith(rows, member, value)[0]
}

function upToDate<Row extends object>(rows: readonly Row[], member: keyof Row, known: Grouped | undefined): Grouped {
  // a list that is shorter than before has lost rows
  const grouped = known && known.covered <= rows.length ? known : { groups: new Map(), covered: 0 }
  for (; grouped.covered < rows.length; grouped.covered++) {
    const row = rows[grouped.covered] as Row
    const group = grouped.groups.get(row[member])
    if (group) group.push(row)
    else grouped.groups.set(row[member], [row])
  }
  return grouped
}
