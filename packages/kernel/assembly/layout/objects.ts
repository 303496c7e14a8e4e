/** Objects: headers, counts, types, and the bodies of those that the kernel itself knows. */

// Object header: type word, count word (PROTOCOLS: limbo). A free block's type word is 0, its next word the free list.
export const OBJECT_TYPE: u32 = 0;
export const OBJECT_COUNT: u32 = 4;
export const OBJECT_BODY: u32 = 8;
export const TYPE_MASK: u32 = 65535;
export const HEADER_HAS_DESTRUCTOR: u32 = 8388608; // 1 << 23: a coroutine gets it before it dies
export const HEADER_LOCKED: u32 = 16777216; // 1 << 24
export const HEADER_WAITERS: u32 = 33554432;
export const HEADER_POISONED: u32 = 67108864;
export const HEADER_INTERNED: u32 = 134217728;
export const HEADER_HAS_WEAK: u32 = 268435456; // it can be reached by an address that is not counted: heap/weak-table.ts
export const HEADER_WIDE: u32 = 536870912; // a string of 16-bit units
export const HEADER_SPIN: u32 = 1073741824; // container lock, held only inside one kernel operation
export const HEADER_CONDEMNED: u32 = 2147483648; // the collector is about to judge it: collect/judgement.ts

export const COUNT_LIMBO: u32 = 1; // L: stands in one limbo list
export const COUNT_REDO: u32 = 2; // R: became 0 again while in limbo
export const COUNT_NEWBORN: u32 = 4; // N: only its scope knows it
export const COUNT_DYING: u32 = 8; // D
export const COUNT_VIRGIN: u32 = 16; // never decremented since birth
export const COUNT_UNLISTED: u32 = 2; // of a VIRGIN (it is in no limbo): it has left its scope's newborn list
export const COUNT_STAMP_SHIFT: u32 = 5; // epoch of the last decrement, 3 bits
export const COUNT_STAMP_MASK: u32 = 224;
export const COUNT_SHIFT: u32 = 8;
export const COUNT_ONE: u32 = 256;
export const COUNT_IMMORTAL: u32 = 3221225472; // counts at or above saturate
export const COUNT_FLAGS: u32 = 255;

// Types.
export const TYPE_STR: u32 = 1;
export const TYPE_LIST: u32 = 2;
export const TYPE_DICT: u32 = 3;
export const TYPE_VALUES: u32 = 4;
export const TYPE_TABLE: u32 = 5;
export const TYPE_TASK: u32 = 6;
export const TYPE_WAITER: u32 = 7;
export const TYPE_PINS: u32 = 8;
export const TYPE_ARRAY: u32 = 9;
export const TYPE_RECORD: u32 = 10;
export const TYPE_BIGINT: u32 = 11;
export const TYPE_WEAK: u32 = 12; // a weak cell: layout/weak.ts
export const TYPE_FINALIZER: u32 = 13; // one that its table holds, counted, until its object has died
export const TYPE_LAST: u32 = 13; // of the machine's own
export const TYPE_FIRST_USER: u32 = 32;

export const TYPE_SIZE: u32 = 0;
export const TYPE_CLASS: u32 = 4; // size class of a struct
export const TYPE_IS_PAIR: u32 = 44; // 1: two references and nothing else
export const TYPE_REF_MASK: u32 = 8; // u64: bit i, the u32 word i is a counted reference
export const TYPE_VALUE_MASK: u32 = 16; // u64: bit i, the 8-byte slot i is a Value
export const TYPE_NAME: u32 = 24; // str
export const TYPE_URL: u32 = 28; // str
export const TYPE_HASH_LOW: u32 = 32;
export const TYPE_HASH_HIGH: u32 = 36;
export const TYPE_SCHEMA: u32 = 40; // str: the layout in words, for messages

// Strings.
export const STR_LENGTH: u32 = 8; // units
export const STR_HASH: u32 = 12;
export const STR_NEXT: u32 = 16; // intern chain, not counted
export const STR_DATA: u32 = 20;
export const INTERN_MAX: u32 = 256; // units; longer strings are not interned

// PINS: a growing array of counted addresses.
export const PINS_COUNT: u32 = 8;
export const PINS_CAPACITY: u32 = 12;
export const PINS_DATA: u32 = 16;

// TASK: the rest of it is sync's.
export const TASK_PINS: u32 = 8; // PINS or 0, owned by the task, not counted

// VALUES and ARRAY, RECORD: an array of 8-byte values.
export const VALUES_CAPACITY: u32 = 8;
export const VALUES_PROGRESS: u32 = 12; // entries already released while it is destroyed
export const VALUES_DATA: u32 = 16;

// LIST (ARRAY and RECORD have the same shape).
export const LIST_LENGTH: u32 = 8;
export const LIST_ITEMS: u32 = 12; // VALUES or 0
export const LIST_SIZE: u32 = 16;

// DICT: shards by hash, each an open-addressing TABLE.
export const DICT_SHARDS: u32 = 8;
export const DICT_LOCKS: u32 = 8; // one lock bit a shard, held only inside one kernel operation
export const DICT_TABLES: u32 = 16; // u32 a shard: TABLE or 0
export const DICT_SIZE: u32 = 48;
export const TABLE_CAPACITY: u32 = 8; // power of two
export const TABLE_PROGRESS: u32 = 12;
export const TABLE_COUNT: u32 = 16; // live entries
export const TABLE_USED: u32 = 20; // live + tombstones
export const TABLE_NEXT: u32 = 24; // the table that its entries are being moved to; not counted
export const TABLE_DATA: u32 = 32; // entries of 16 bytes: key value, value
export const ENTRY_SIZE: u32 = 16;

// Values: NaN-boxed; the high 16 bits.
export const BOX_UNDEFINED: u32 = 65529; // 0xFFF9
export const BOX_NULL: u32 = 65530;
export const BOX_BOOL: u32 = 65531;
export const BOX_REF: u32 = 65532;
export const BOX_HOLE: u32 = 65533; // empty table entry
export const BOX_TOMBSTONE: u32 = 65534;
export const BOX_FROZEN: u32 = 65535; // in the place of a table entry's value
