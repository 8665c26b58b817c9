import fc from 'fast-check'

/** Any character of Unicode. The unit `binary` of fast-check has the same ones, after a table of all of them that takes a second. */
export const character = fc.nat(0x10f7ff).map((index) => String.fromCodePoint(index < 0xd800 ? index : index + 0x800))
