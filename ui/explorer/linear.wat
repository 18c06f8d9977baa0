;; y = W x + b, for the browser: four floats an instruction. The compiled form is linear.wasm, beside this file.
;;
;; Weights lie in tiles of 32 outputs, [tile][input][32]: a tile's eight sums stay in registers while its weights pass
;; once, in order. Inputs that are zero (half of them after a ReLU) are left out: `live` lists the others.
;; Sums are added up in pieces of 64 inputs, so that float32's rounding does not grow with the number of inputs.
(module
  (import "host" "memory" (memory 1))
  (func (export "linear")
    (param $live i32)    ;; where the list is: byte offsets, within x, of the inputs that are not zero
    (param $count i32)   ;; how many they are
    (param $x i32)       ;; where the inputs are
    (param $tile i32)    ;; where the weights are, and then the tile at hand
    (param $bytes i32)   ;; of one tile
    (param $y i32)       ;; where the outputs are; they hold the bias. Then those of the tile at hand
    (param $tiles i32)   ;; how many there are
    (local $k i32) (local $stop i32) (local $end i32) (local $w i32) (local $at i32) (local $value v128)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local $s4 v128) (local $s5 v128) (local $s6 v128) (local $s7 v128)
    (local.set $end (i32.add (local.get $live) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next_tile
        (br_if $done (i32.eqz (local.get $tiles)))
        (local.set $k (local.get $live))
        (block $tile_done
          (loop $next_piece
            (br_if $tile_done (i32.ge_u (local.get $k) (local.get $end)))
            (local.set $stop (i32.add (local.get $k) (i32.const 256))) ;; 64 inputs
            (if (i32.gt_u (local.get $stop) (local.get $end)) (then (local.set $stop (local.get $end))))
            (local.set $s0 (v128.const f32x4 0 0 0 0)) (local.set $s1 (v128.const f32x4 0 0 0 0))
            (local.set $s2 (v128.const f32x4 0 0 0 0)) (local.set $s3 (v128.const f32x4 0 0 0 0))
            (local.set $s4 (v128.const f32x4 0 0 0 0)) (local.set $s5 (v128.const f32x4 0 0 0 0))
            (local.set $s6 (v128.const f32x4 0 0 0 0)) (local.set $s7 (v128.const f32x4 0 0 0 0))
            (loop $next_input
              (local.set $at (i32.load (local.get $k)))
              (local.set $value (v128.load32_splat (i32.add (local.get $x) (local.get $at))))
              (local.set $w (i32.add (local.get $tile) (i32.shl (local.get $at) (i32.const 5))))
              (local.set $s0 (f32x4.add (local.get $s0) (f32x4.mul (local.get $value) (v128.load (local.get $w)))))
              (local.set $s1 (f32x4.add (local.get $s1) (f32x4.mul (local.get $value) (v128.load offset=16 (local.get $w)))))
              (local.set $s2 (f32x4.add (local.get $s2) (f32x4.mul (local.get $value) (v128.load offset=32 (local.get $w)))))
              (local.set $s3 (f32x4.add (local.get $s3) (f32x4.mul (local.get $value) (v128.load offset=48 (local.get $w)))))
              (local.set $s4 (f32x4.add (local.get $s4) (f32x4.mul (local.get $value) (v128.load offset=64 (local.get $w)))))
              (local.set $s5 (f32x4.add (local.get $s5) (f32x4.mul (local.get $value) (v128.load offset=80 (local.get $w)))))
              (local.set $s6 (f32x4.add (local.get $s6) (f32x4.mul (local.get $value) (v128.load offset=96 (local.get $w)))))
              (local.set $s7 (f32x4.add (local.get $s7) (f32x4.mul (local.get $value) (v128.load offset=112 (local.get $w)))))
              (local.set $k (i32.add (local.get $k) (i32.const 4)))
              (br_if $next_input (i32.lt_u (local.get $k) (local.get $stop))))
            (v128.store (local.get $y) (f32x4.add (v128.load (local.get $y)) (local.get $s0)))
            (v128.store offset=16 (local.get $y) (f32x4.add (v128.load offset=16 (local.get $y)) (local.get $s1)))
            (v128.store offset=32 (local.get $y) (f32x4.add (v128.load offset=32 (local.get $y)) (local.get $s2)))
            (v128.store offset=48 (local.get $y) (f32x4.add (v128.load offset=48 (local.get $y)) (local.get $s3)))
            (v128.store offset=64 (local.get $y) (f32x4.add (v128.load offset=64 (local.get $y)) (local.get $s4)))
            (v128.store offset=80 (local.get $y) (f32x4.add (v128.load offset=80 (local.get $y)) (local.get $s5)))
            (v128.store offset=96 (local.get $y) (f32x4.add (v128.load offset=96 (local.get $y)) (local.get $s6)))
            (v128.store offset=112 (local.get $y) (f32x4.add (v128.load offset=112 (local.get $y)) (local.get $s7)))
            (br $next_piece)))
        (local.set $tile (i32.add (local.get $tile) (local.get $bytes)))
        (local.set $y (i32.add (local.get $y) (i32.const 128)))
        (local.set $tiles (i32.sub (local.get $tiles) (i32.const 1)))
        (br $next_tile)))))
