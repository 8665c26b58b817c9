import { createHash } from 'node:crypto'
import { compress, type Encoding, type Encodings } from './encodings.js'
import { createGzipPiece, type GzipPiece, joinGzipPieces } from './gzip-pieces.js'

/** The bytes of a response with its entity tag. */
export interface ResponseBody {
  tag: string
  encodings: Encodings
  bytes(encoding: Encoding | undefined): Buffer | Promise<Buffer>
}

/** What is cached: a whole response, or a page in which the account menu is inserted. */
export interface CachedBody {
  tag: string
  /** in memory, with an estimate for the compressed forms */
  size: number
}

/** A text that is part of several responses. Its compressed form is computed once. */
export interface Piece {
  plain: Buffer
  gzip?: GzipPiece
}

/** A page without the account menu. */
export interface PageHtml extends CachedBody {
  before: Piece
  after: Piece
}

/** Effort for responses that change: brotli's quality (0 to 11), gzip's level (0 to 9). */
const EFFORT = { br: 4, gzip: 6 }
const OVERHEAD_BYTES = 300
const COMPRESSED_SHARE = 0.4

export function createResponseBody(text: string): ResponseBody & CachedBody {
  const plain = Buffer.from(text)
  const compressed: Partial<Record<Encoding, Buffer>> = {}
  return {
    tag: `"${digest(text)}"`,
    encodings: 'all',
    size: sizeOf(plain),
    bytes: (encoding) => (encoding ? (compressed[encoding] ?? compressOnce(encoding)) : plain),
  }

  async function compressOnce(encoding: Encoding): Promise<Buffer> {
    const bytes = await compress(plain, encoding, EFFORT[encoding])
    compressed[encoding] = bytes
    return bytes
  }
}

export function createPiece(text: string): Piece {
  return { plain: Buffer.from(text) }
}

/** `after` is empty if the page has no menu. */
export function createPageHtml(before: string, after: string): PageHtml {
  const pieces = { before: createPiece(before), after: createPiece(after) }
  const size = sizeOf(pieces.before.plain) + sizeOf(pieces.after.plain)
  return { ...pieces, tag: digest(`${before}\0${after}`), size }
}

/** A page with the menu of one person. Its gzip form consists of pieces, so only new pieces are compressed. */
export function bodyOfPage({ before, after, tag }: PageHtml, menu?: { piece: Piece; tag: string }): ResponseBody {
  const pieces = menu ? [before, menu.piece, after] : [before, after]
  return {
    tag: menu ? `"${tag}.${menu.tag}"` : `"${tag}"`,
    encodings: 'gzip',
    bytes: (encoding) => (encoding ? joinCompressed(pieces) : Buffer.concat(pieces.map(({ plain }) => plain))),
  }
}

export function digest(text: string): string {
  return createHash('sha1').update(text).digest('base64url')
}

function joinCompressed(pieces: Piece[]): Buffer | Promise<Buffer> {
  const compressed = pieces.flatMap(({ gzip }) => gzip ?? [])
  return compressed.length === pieces.length ? joinGzipPieces(compressed) : compressPieces(pieces)
}

async function compressPieces(pieces: Piece[]): Promise<Buffer> {
  return joinGzipPieces(
    await Promise.all(
      pieces.map(async (piece) => {
        const gzip = piece.gzip ?? (await createGzipPiece(piece.plain, EFFORT.gzip))
        piece.gzip = gzip
        return gzip
      }),
    ),
  )
}

function sizeOf(plain: Buffer): number {
  return OVERHEAD_BYTES + Math.ceil(plain.length * (1 + COMPRESSED_SHARE))
}
