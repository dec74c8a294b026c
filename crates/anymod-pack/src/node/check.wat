;; XXH64 with seed 0 of the first `length` bytes of the memory (xxHash specification, "XXH64 algorithm").
(module
  (memory (export "memory") 1)
  (func $round (param $sum i64) (param $input i64) (result i64)
    (i64.mul
      (i64.rotl (i64.add (local.get $sum) (i64.mul (local.get $input) (i64.const 0xC2B2AE3D27D4EB4F))) (i64.const 31))
      (i64.const 0x9E3779B185EBCA87)))
  (func $merge (param $sum i64) (param $lane i64) (result i64)
    (i64.add
      (i64.mul
        (i64.xor (local.get $sum) (call $round (i64.const 0) (local.get $lane)))
        (i64.const 0x9E3779B185EBCA87))
      (i64.const 0x85EBCA77C2B2AE63)))
  (func (export "xxh64") (param $length i32) (result i64)
    (local $at i32) (local $sum i64)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64)
    (if (i32.ge_u (local.get $length) (i32.const 32))
      (then
        (local.set $a (i64.add (i64.const 0x9E3779B185EBCA87) (i64.const 0xC2B2AE3D27D4EB4F)))
        (local.set $b (i64.const 0xC2B2AE3D27D4EB4F))
        (local.set $d (i64.sub (i64.const 0) (i64.const 0x9E3779B185EBCA87)))
        (loop $blocks
          (local.set $a (i64.mul (i64.rotl (i64.add (local.get $a) (i64.mul (i64.load (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F))) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
          (local.set $b (i64.mul (i64.rotl (i64.add (local.get $b) (i64.mul (i64.load offset=8 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F))) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
          (local.set $c (i64.mul (i64.rotl (i64.add (local.get $c) (i64.mul (i64.load offset=16 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F))) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
          (local.set $d (i64.mul (i64.rotl (i64.add (local.get $d) (i64.mul (i64.load offset=24 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F))) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br_if $blocks (i32.le_u (i32.add (local.get $at) (i32.const 32)) (local.get $length))))
        (local.set $sum
          (i64.add
            (i64.add (i64.rotl (local.get $a) (i64.const 1)) (i64.rotl (local.get $b) (i64.const 7)))
            (i64.add (i64.rotl (local.get $c) (i64.const 12)) (i64.rotl (local.get $d) (i64.const 18)))))
        (local.set $sum (call $merge (local.get $sum) (local.get $a)))
        (local.set $sum (call $merge (local.get $sum) (local.get $b)))
        (local.set $sum (call $merge (local.get $sum) (local.get $c)))
        (local.set $sum (call $merge (local.get $sum) (local.get $d))))
      (else (local.set $sum (i64.const 0x27D4EB2F165667C5))))
    (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $length))))
    (block $words_end
      (loop $words
        (br_if $words_end (i32.gt_u (i32.add (local.get $at) (i32.const 8)) (local.get $length)))
        (local.set $sum
          (i64.add
            (i64.mul
              (i64.rotl (i64.xor (local.get $sum) (call $round (i64.const 0) (i64.load (local.get $at)))) (i64.const 27))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $words)))
    (if (i32.le_u (i32.add (local.get $at) (i32.const 4)) (local.get $length))
      (then
        (local.set $sum
          (i64.add
            (i64.mul
              (i64.rotl (i64.xor (local.get $sum) (i64.mul (i64.load32_u (local.get $at)) (i64.const 0x9E3779B185EBCA87))) (i64.const 23))
              (i64.const 0xC2B2AE3D27D4EB4F))
            (i64.const 0x165667B19E3779F9)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))))
    (block $bytes_end
      (loop $bytes
        (br_if $bytes_end (i32.ge_u (local.get $at) (local.get $length)))
        (local.set $sum
          (i64.mul
            (i64.rotl (i64.xor (local.get $sum) (i64.mul (i64.load8_u (local.get $at)) (i64.const 0x27D4EB2F165667C5))) (i64.const 11))
            (i64.const 0x9E3779B185EBCA87)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $bytes)))
    (local.set $sum (i64.mul (i64.xor (local.get $sum) (i64.shr_u (local.get $sum) (i64.const 33))) (i64.const 0xC2B2AE3D27D4EB4F)))
    (local.set $sum (i64.mul (i64.xor (local.get $sum) (i64.shr_u (local.get $sum) (i64.const 29))) (i64.const 0x165667B19E3779F9)))
    (i64.xor (local.get $sum) (i64.shr_u (local.get $sum) (i64.const 32)))))
